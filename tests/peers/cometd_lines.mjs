// CometD's own JavaScript client for the tests, over one transport: does as lines say, and tells lines of JSON.
// In Node it is run by cometd_client.mjs, in a browser by cometd_page.html. The first line is JSON, too:
//
// [URL, TRANSPORT, USER, "--ack"]      the last may be left out
//
// {"opened": true, "transport": "…"}   shaken hands and subscribed to /_genesys
// {"heard": {"channel": …}}            an event, as the client gives it
// {"acknowledged": true}               after a line: published on /service/echo; after a line
//                                      "/publish /service/chat {…}" that data there, where the client listens from then on
// {"closed": true}                     disconnected; after a line "/leave 3" as an app that goes to the background and
//                                      has so many lines of the chat
// {"failed": "…"}                      what the client could not do
//
// TRANSPORT: long-polling, callback-polling, websocket. USER goes into the header gms_user where it can: a page cannot set
// headers for its scripts and its WebSockets.

import { AckExtension, CometD } from 'cometd';

// Opens a client; `tell` gets what happens.
export function open([url, transport, user, ...options], tell) {
    const cometd = new CometD();
    let farewell = {};
    const listensOn = new Set();
    if (options.includes('--ack')) cometd.registerExtension('ack', new AckExtension());
    for (const name of cometd.getTransportTypes()) {
        if (name !== transport) cometd.unregisterTransport(name);
    }
    cometd.configure({ url, requestHeaders: { gms_user: user }, logLevel: 'warn', backoffIncrement: 100 });
    cometd.addListener('/meta/publish', message => message.successful || tell({ failed: 'publish', message }));
    cometd.handshake(shaken => {
        if (!shaken.successful) {
            tell({ failed: 'handshake', message: shaken });
            cometd.disconnect();
            return;
        }
        cometd.subscribe('/_genesys', heard => tell({ heard }), subscribed => {
            const opened = { opened: true, transport: cometd.getTransport().type };
            tell(subscribed.successful ? opened : { failed: 'subscribe', message: subscribed });
        });
    });

    return {
        take(line) {
            if (line.startsWith('/leave ')) {
                farewell = { ext: { transcriptPosition: line.slice(7) } };
                return;
            }
            const [, channel, data] = /^\/publish (\S+) (.*)/.exec(line) ?? [null, '/service/echo', null];
            if (data !== null && !listensOn.has(channel)) {
                listensOn.add(channel);
                cometd.addListener(channel, heard => tell({ heard }));
            }
            const said = data === null ? { text: line } : JSON.parse(data);
            cometd.publish(channel, said, reply => tell({ acknowledged: reply.successful }));
        },
        close(gone) {
            cometd.disconnect(farewell, () => {
                tell({ closed: true });
                gone();
            });
        },
    };
}
