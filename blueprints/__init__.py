"""
The functions, and the plain modules they call.

    health, workload, fetch, probe, identity      blueprints: parse, call a plain function, return the body
    handlers                                      wraps such a function into a handler for the runtime
    answers, parameters, invocations              responses and errors, checked parameters, counts and times of calls
    fetch_request, targets, outbound              the urls to fetch, the allowed hosts, the outbound calls
    deadline_transport                            the time-out of a sync call, as one deadline for all of it
    credentials                                   tokens from Microsoft Entra ID
    resource_manager, scale_settings              reads the scale settings of the site, and caches them
    threads, processes, switch_interval, instance the values that the probe reads
    findings                                      the rules over these values

Importing the app imports neither httpx nor azure.identity. Only a request that needs them pays for the import.
"""
