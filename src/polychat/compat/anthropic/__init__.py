"""Anthropic's Messages API over the published one: requests in, answers out, all of it pure.

Reading order: `requests` with `blocks` (what clients send), `asks` with `messages` (what a replica is asked),
`face` with `answers` and `events` (what clients get), `cards` (models), `errors`.

Source: https://platform.claude.com/docs/en/api/messages and the types of the `anthropic` SDK 2.12.
"""
