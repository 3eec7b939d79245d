"""What a workspace's administrators may set: where alerts go, how long logs stay, how long an approval waits."""
