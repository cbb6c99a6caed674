"""The published API's own forms, shared by the engines that we serve ourselves."""
