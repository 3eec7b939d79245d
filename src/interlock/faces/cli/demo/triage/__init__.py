"""The demo of the support desk: a folder of mails, one run each, a person who decides, a row for every mail."""
