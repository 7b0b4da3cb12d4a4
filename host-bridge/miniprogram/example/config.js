module.exports = {
  // soter-sim exec --listen 127.0.0.1:8777 -- node host-bridge/examples/backend.mjs
  soterSim: 'ws://127.0.0.1:8777',
  backend: 'http://127.0.0.1:8778',
}
