"""What crosses the wire and how: messages, sockets, video.

Knows nothing of robots, Qt or disks. `control_link` owns every ZeroMQ socket, `video_link` every
WebRTC connection; each runs one thread of its own. Everything else here is pure.
"""
