"""The webhook, the JSON API and the live dashboard."""
