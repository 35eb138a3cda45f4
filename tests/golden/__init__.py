"""One stored example of every event NAME ever released; each must decode for ever."""
