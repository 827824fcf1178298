"""Speed, shown side by side with a peer or a limit: one module per issue's claims."""
