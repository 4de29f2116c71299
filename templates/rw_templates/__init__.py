"""Starter applications, one folder each; dotfiles are stored as dot_gitignore and the like."""
