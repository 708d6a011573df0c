"""Live control, both ends: robots, gate, lease, the agent's processes, the operator's session.

No Qt. The robot side runs from here without the console being installed, and the other way round.
"""
