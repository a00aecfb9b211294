"""The live page of a run: its report, drawn again as steps arrive, on the loopback interface. It writes no file."""
