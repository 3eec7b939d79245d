"""Operations of the webhooks domain, by verb group."""
