"""
The functions, and the plain modules they call.

    health, workload, fetch, probe, identity      blueprints: parse, call a plain function, return the body
    handlers                                      turns such a function into what the runtime calls
    answers, parameters, invocations              the answer, its errors, its numbers
    fetch_request, targets, outbound              what to fetch, what may be fetched, fetching it
    credentials                                   tokens from Microsoft Entra ID
    resource_manager, scale_settings              the scale settings of the site, read and kept
    threads, processes, switch_interval, instance what the probe reads
    findings                                      what it makes of it

Importing the app imports neither httpx nor azure.identity: a cold start pays for them only when a request needs them.
"""
