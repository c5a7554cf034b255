"""What the product knows best: a .tgz as a stream. No Flask, no database, no disk."""
