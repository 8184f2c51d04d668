// Everybody who is connected hears every line that is posted.
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';

const http = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  for (const line of Buffer.concat(parts).toString().split('\n')) {
    if (!line) continue;
    for (const client of sockets.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(line);
    }
  }
  response.end();
});
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
http.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
