"""One module a platform; the file name is the name in the configuration."""
