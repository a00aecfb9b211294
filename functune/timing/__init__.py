"""How the times of handlers and the lines of their code are taken, inside the process that runs them."""
