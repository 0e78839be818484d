def app(environ, start):
    start('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '3')])
    return [b'hey']
async def asgi(scope, receive, send):
    if scope['type'] != 'http':
        return
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'3')]})
    await send({'type': 'http.response.body', 'body': b'hey'})
