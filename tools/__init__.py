"""Scripts of the repository: installation, generated pages of the documentation."""
