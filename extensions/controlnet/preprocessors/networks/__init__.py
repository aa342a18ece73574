"""Networks of preprocessors, by the files that their makers published. Importing these loads torch."""
