"""What only the portal does: webhooks, the comparison of stock, runs upon a long history, memory."""
