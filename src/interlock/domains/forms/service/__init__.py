"""Operations of the forms domain, by verb group."""
