"""From the first byte to the acknowledgement: the one service behind every door.

`records` keeps the row, `completion` judges and seals the received bytes. Between them the
doors receive (`app.services.receiving`) outside any transaction.
"""
