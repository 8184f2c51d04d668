// Everybody in the room hears every line that is posted.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false });
io.on('connection', (socket) => socket.join('orders'));
http.on('request', async (request, response) => {
  if (request.url !== '/publish') return;
  const parts = [];
  for await (const part of request) parts.push(part);
  for (const line of Buffer.concat(parts).toString().split('\n')) {
    if (line) io.to('orders').emit('event', JSON.parse(line));
  }
  response.end();
});
http.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
