"""A debugger in a runner: attached on demand; before that, nothing is imported or changed for it."""
