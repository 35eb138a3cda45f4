"""The use of the domain: one engine that turns recorded inputs into recorded decisions."""
