'use strict';

// Written by `soter-sim exec`, which lets Node load it before a program. It leads connections to some hosts to the emulated
// servers, before their names are looked up, and touches nothing else. redirect.json next to it says which:
// {"routes": [{"hosts": ["name", "*.suffix"], "port": 80, "to": {"host": "127.0.0.1", "port": 8777}}]}
//
// Runs in Node 10 and later, so without newer syntax.

const net = require('net');
const { routes } = require('./redirect.json');

const matches = (pattern, name) =>
  pattern[0] === '*' ? name.length >= pattern.length && name.endsWith(pattern.slice(1)) : name === pattern;

function routeOf(options) {
  if (options.path || typeof options.host !== 'string') return undefined;
  // A full name may end with a dot.
  const name = options.host.toLowerCase().replace(/\.$/, '');
  return routes.find(({ hosts, port }) => port === Number(options.port) && hosts.some(host => matches(host, name)));
}

const { connect } = net.Socket.prototype;

net.Socket.prototype.connect = function (...parameters) {
  // Node itself passes its parameters as one array, marked by a symbol.
  const isMarked = Array.isArray(parameters[0]);
  const list = isMarked ? parameters[0] : parameters;
  const isObject = typeof list[0] === 'object' && list[0] !== null;
  const options = isObject ? list[0] : { port: list[0], host: list[1] };
  const route = routeOf(options);
  if (!route) return connect.apply(this, parameters);
  const changed = Object.assign({}, options, route.to);
  if (isMarked) return connect.call(this, Object.assign([], list, [changed]));
  return connect.apply(this, [changed].concat(parameters.filter(parameter => typeof parameter === 'function')));
};
