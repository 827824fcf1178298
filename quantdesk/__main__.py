"""`python -m quantdesk`: the command line, for callers that know the interpreter alone."""

from quantdesk.main import main

main()
