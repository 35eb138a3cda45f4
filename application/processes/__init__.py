"""The process managers: each a pure `react(book, recorded) -> commands`."""
