// Preloaded into the test of db2crush/webrtc-signaling-server: where it would start its own server, it finds ours.

const Module = require('node:module');

const { protocol, port } = new URL(process.env.SID_URL);

const STAND_INS = {
  '../../server/Server': {
    __esModule: true,
    default: class Server {
      async start() {
        Object.assign(process.env, { protocol: protocol.slice(0, -1), port });
        return {};
      }
    },
  },
  '../../system/System': { System: class System { async start() {} } },
};

const load = Module._load;
Module._load = function (request, ...rest) {
  return STAND_INS[request] ?? load.call(this, request, ...rest);
};
