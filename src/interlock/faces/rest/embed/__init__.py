"""What pages of other sites reach: the chat door of deployed chatbots, and the script that draws the widget."""
