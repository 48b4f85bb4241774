// CometD's Node server for the tests: prints its URL, and ends with its standard input.
//
// node cometd_server.js [port] [options as JSON, see createCometDServer]
//
// Bayeux           /cometd; what is published on /service/echo comes back on /_genesys
// GET  /seen       the requests to /cometd so far: [{"channels", "headers"}, ...]
// POST /release    a JSON array: each element becomes an event on /_genesys, all in one batch,
//                  as soon as a subscriber's poll is held; answered when they are on their way
//
// Pages of any origin may ask. Those of other sites need a cookie, too, that their browser sends: see the options
// browserCookieSameSite, browserCookieSecure and browserCookiePartitioned.
'use strict';

const http = require('http');
const { createCometDServer } = require('cometd-nodejs-server');

const [port = '0', options = '{}'] = process.argv.slice(2);
const cometd = createCometDServer(JSON.parse(options));
const genesys = '/_genesys';
const seen = [];
const held = new Set();
const waiting = [];

function release() {
    const reached = [...held].filter(session => session.subscriptions.some(channel => channel.name === genesys));
    if (reached.length === 0) return;
    for (const { events, response } of waiting.splice(0)) {
        reached.forEach(session => session.batch(() => {
            events.forEach(data => session.deliver(null, genesys, data));
        }));
        response.end();
    }
}

cometd.addListener('sessionAdded', session => {
    session.addListener('suspended', () => {
        held.add(session);
        release();
    });
    session.addListener('resumed', () => held.delete(session));
    session.addListener('removed', () => held.delete(session));
});
// Not before the subscribe is answered: its answer would take the events along, instead of the poll.
cometd.addListener('subscribed', () => setImmediate(release));
cometd.createServerChannel('/service/echo').addListener('message', (session, channel, message, callback) => {
    session.deliver(session, genesys, message.data);
    callback();
});

function allow(origin, asked, response) {
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Allow-Credentials', 'true');
    if (asked) response.setHeader('Access-Control-Allow-Headers', asked);
}

const server = http.createServer((request, response) => {
    const { origin, 'access-control-request-headers': asked } = request.headers;
    if (origin) allow(origin, asked, response);
    if (request.method === 'OPTIONS') {
        response.end();
        return;
    }
    let text = '';
    request.on('data', chunk => text += chunk);
    request.on('end', () => {
        if (request.url === '/seen') {
            response.end(JSON.stringify(seen));
        } else if (request.url === '/release') {
            waiting.push({ events: JSON.parse(text), response: response });
            release();
        } else {
            request.body = JSON.parse(text);
            seen.push({ channels: request.body.map(message => message.channel), headers: request.headers });
            cometd.handle(request, response);
        }
    });
});
server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/cometd`));
process.stdin.on('end', () => process.exit()).resume();
