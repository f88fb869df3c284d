"""What several test modules share: records, results, models and files made up for them."""
