"""What crosses the wire and how: messages, sockets, video.

Knows nothing of robots, Qt or disks. `control_link`, `link_socket` and `curve` own every ZeroMQ
socket, the modules `video_*` and `peer_connection` own WebRTC, one thread each. Everything else
here is pure, but for `greeting`.
"""
