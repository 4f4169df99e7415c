"""The engine on another computer: `rtvc serve`, the client of `rtvc live --server`, and what both share.

Sound goes over WebRTC (aiortc), signalling over HTTP (aiohttp). Both come with the extra `server`; nothing outside
this folder imports them.
"""
