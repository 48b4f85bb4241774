from gms_replay.simulator.verbose import beside


def test_urls_lead_to_the_chat():
    told = beside("https://gms.example.com:8443/genesys", "3S", "007", "4e")
    chat = "https://gms.example.com:8443/genesys/1/service/3S/ixn/chat"
    assert {name: value for name, value in told.items() if name.startswith("_chatIxnAPI_")} == {
        "_chatIxnAPI_SEND_URL": f"{chat}/send",
        "_chatIxnAPI_REFRESH_URL": f"{chat}/refresh",
        "_chatIxnAPI_REFRESH_FROM_START_URL": f"{chat}/refresh?transcriptPosition=0",
        "_chatIxnAPI_START_TYPING_URL": f"{chat}/startTyping",
        "_chatIxnAPI_STOP_TYPING_URL": f"{chat}/stopTyping",
        "_chatIxnAPI_DISCONNECT_URL": f"{chat}/disconnect",
    }
    assert (told["userId"], told["secureKey"], told["chatServerHost"], told["isTLSrequired"]) == (
        "007",
        "4e",
        "gms.example.com",
        True,
    )


def test_plain_http_needs_no_tls():
    assert beside("http://127.0.0.1:8081/genesys", "3S", "007", "4e")["isTLSrequired"] is False
