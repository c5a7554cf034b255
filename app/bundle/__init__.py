"""What the product knows best: a .tgz as a stream. No Flask, no service, no files but notes of its own."""
