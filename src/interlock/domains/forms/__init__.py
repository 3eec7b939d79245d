"""Forms that anybody may fill in: what is asked, what was answered, and what each answer sets going."""
