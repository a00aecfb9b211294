"""junit.xml: the expectations as test cases, so that a CI server shows which ones fail."""

from collections.abc import Sequence
from xml.etree import ElementTree

from functune.analysis.verdict import Analysis


def junit(analyses: Sequence[Analysis]) -> str:
    """
    A test suite per experiment and a test case per expectation, as CI servers read it.

    A failure says what was observed and what is allowed. An expectation that was not judged is skipped, with its
    reason.
    """
    root = ElementTree.Element("testsuites", name="functune")
    for analysis in analyses:
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=analysis.experiment.name,
            tests=str(len(analysis.outcomes)),
            failures=str(sum(outcome.result == "fails" for outcome in analysis.outcomes)),
            errors="0",
            skipped=str(sum(outcome.result == "not judged" for outcome in analysis.outcomes)),
        )
        for outcome in analysis.outcomes:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"functune.{analysis.experiment.name}", name=xml_text(outcome.claim)
            )
            if outcome.result == "fails":
                said = f"observed {outcome.observed_text}, allowed {outcome.allowed}"
                ElementTree.SubElement(case, "failure", type="expectation", message=xml_text(said))
            elif outcome.result == "not judged":
                ElementTree.SubElement(case, "skipped", message=xml_text(outcome.reason))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def xml_text(text: str) -> str:
    """The text without control characters, which XML 1.0 cannot hold even escaped."""
    return "".join(character if character.isprintable() else " " for character in text)
