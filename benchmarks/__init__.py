"""How fast Plimsoll is, each figure beside the limit measured in the same run."""
