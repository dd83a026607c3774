// Serves a vendor's client exactly as it came, and leads what it asks of its server to ours.

import { readFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };

/** @returns {Promise<{url: string, cut: () => void, close: () => Promise<void>}>} `cut`: all connections break, new ones may come */
export async function serveVendor(folder, server) {
  const sockets = new Set();
  const site = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://vendor');
    if (pathname === '/config.js') return void forward(request, response, server);
    const file = path.join(folder, pathname === '/' ? 'index.html' : path.normalize(pathname));
    readFile(file).then(
      (body) => response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  site.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  site.on('upgrade', (request, socket, head) => {
    const upstream = net.connect(server.port, '127.0.0.1', () => {
      const lines = [`${request.method} ${request.url} HTTP/1.1`];
      for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
      upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
    socket.on('close', () => upstream.destroy());
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${site.address().port}/`,
    cut,
    close: () => new Promise((resolve) => {
      cut();
      site.close(resolve);
    }),
  };
}

function forward(request, response, server) {
  const upstream = http.get({ port: server.port, host: '127.0.0.1', path: request.url }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => response.writeHead(502).end());
}
