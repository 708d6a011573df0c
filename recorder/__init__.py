"""The life of an episode: record, seal, recover, read, replay, judge, export.

Imports `transport` (messages, clock, mailbox) and nothing above it. The robot it needs for a replay
is described by `recorder.replay.Replayable`; `teleop` supplies one.
"""
