"""MetaStudio's API as its SDK and documents define it."""
