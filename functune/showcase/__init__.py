"""The showcase app with its experiments and templates, in a checkout and in an installed functune."""
