"""Operations of the accounts domain, by verb group."""
