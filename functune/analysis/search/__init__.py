"""The choice of the steps to measure next, and the objective that a setting has to meet."""
