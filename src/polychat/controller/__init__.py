"""The controller: keeps the registry of replicas and streams its changes to every gateway."""
