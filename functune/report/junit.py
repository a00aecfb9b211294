"""junit.xml: the expectations as test cases, so that a CI server shows which ones fail."""

from collections.abc import Sequence
from xml.etree import ElementTree

from functune.analysis.experiment import ExperimentFindings
from functune.report.markup import without_control_characters


def junit(findings: Sequence[ExperimentFindings]) -> str:
    """
    A test suite per experiment and a test case per expectation, as CI servers read it.

    One that fails has the observed and the allowed values; one that was not judged is skipped, with the reason.
    """
    root = ElementTree.Element("testsuites", name="functune")
    for experiment in findings:
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=experiment.name,
            tests=str(len(experiment.outcomes)),
            failures=str(sum(outcome.result == "fails" for outcome in experiment.outcomes)),
            errors="0",
            skipped=str(sum(outcome.result == "not judged" for outcome in experiment.outcomes)),
        )
        for outcome in experiment.outcomes:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=f"functune.{experiment.name}",
                name=without_control_characters(outcome.claim),
            )
            if outcome.result == "fails":
                said = f"observed {outcome.observed_text}, allowed {outcome.allowed}"
                ElementTree.SubElement(case, "failure", type="expectation", message=without_control_characters(said))
            elif outcome.result == "not judged":
                ElementTree.SubElement(case, "skipped", message=without_control_characters(outcome.reason))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
