// CometD's own JavaScript client for the tests, over one transport: prints a line of JSON for each thing that happens.
//
// node cometd_client.mjs URL TRANSPORT USER [--ack]
//
// {"opened": true, "transport": "…"}   shaken hands and subscribed to /_genesys
// {"heard": {"channel": …}}            an event, as the client gives it
// {"acknowledged": true}               after a line on standard input: published on /service/echo
// {"closed": true}                     disconnected, because standard input has ended; after a line "/leave 3" as an
//                                      app that goes to the background and has so many lines of the chat
// {"failed": "…"}                      what the client could not do
//
// TRANSPORT: long-polling, callback-polling, websocket. USER goes into the header gms_user, but for callback polling:
// a page's scripts are loaded without headers of its own.

import http from 'node:http';
import readline from 'node:readline';
import vm from 'node:vm';
import { adapt } from 'cometd-nodejs-client';
import { AckExtension, CometD } from 'cometd';
import { WebSocket } from 'ws';

const [url, transport, user, ...options] = process.argv.slice(2);
const tell = line => console.log(JSON.stringify(line));

adapt();
// As an app's own WebSocket does, not a page's.
window.WebSocket = class extends WebSocket {
    constructor(address, protocols) {
        super(address, protocols, { headers: { gms_user: user } });
    }
};
// What callback polling needs of a page: scripts that are loaded and run when they are put into its head.
window.document = {
    createElement: () => ({}),
    getElementsByTagName: () => [{ appendChild: load, removeChild: () => undefined }],
};
const page = vm.createContext(window);

function load(script) {
    const fail = () => script.onerror({ type: 'error' });
    http.get(script.src, response => {
        let text = '';
        response.on('data', chunk => text += chunk);
        response.on('end', () => response.statusCode === 200 ? vm.runInContext(text, page) : fail());
    }).on('error', fail);
}

const cometd = new CometD();
if (options.includes('--ack')) cometd.registerExtension('ack', new AckExtension());
for (const name of cometd.getTransportTypes()) {
    if (name !== transport) cometd.unregisterTransport(name);
}
cometd.configure({ url, requestHeaders: { gms_user: user }, logLevel: 'warn', backoffIncrement: 100 });
cometd.addListener('/meta/publish', message => message.successful || tell({ failed: 'publish', message }));
cometd.handshake(shaken => {
    if (!shaken.successful) {
        tell({ failed: 'handshake', message: shaken });
        process.exit(1);
    }
    cometd.subscribe('/_genesys', heard => tell({ heard }), subscribed => {
        tell(subscribed.successful ? { opened: true, transport: cometd.getTransport().type } : { failed: 'subscribe' });
    });
});

let farewell = {};
const commands = readline.createInterface({ input: process.stdin });
commands.on('line', text => {
    if (text.startsWith('/leave ')) {
        farewell = { ext: { transcriptPosition: text.slice(7) } };
        return;
    }
    cometd.publish('/service/echo', { text }, reply => tell({ acknowledged: reply.successful }));
});
commands.on('close', () => cometd.disconnect(farewell, () => {
    tell({ closed: true });
    process.exit(0);
}));
