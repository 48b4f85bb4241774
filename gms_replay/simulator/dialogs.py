"""The six dialogs, letter by letter as the vendor's article prints them, with values in place of `$(…)`.

The item and the dialog of the office hours are ours, in its style: a later version has them (`versions`).
"""

import json
import re

_SLOT = re.compile(r"\$\((\w+)\)")

_CONFIRMATION = """\
,
               "_confirmation_dialog":{
                  "_text":"You will hear tones immediately after call is connected. This is normal.",
                  "_dialog_type":"Notification",
                  "_dismiss_timeout": 2
               }"""

_MENU = """\
{
   "_dialog_id":"0",
   "_label":"Agent is available right now",
   "_user_action_url":
   "$(ExtURLBase)/1/service/$(ServiceID)/not-used",
   "_method":"POST",
   "_action":"DisplayMenu",
   "_expires": "$(Date)",
   "_resource_url":
   "$(ExtURLBase)/1/service/$(ServiceID)/get-dialog-user-confirmation",
   "_content":[
      {
         "_group_name":"Are you ready?",
         "_group_content":[
            {
               "_dialog_id":"1",
               "_label":"Yes, I'm ready to talk",
               "_action":"MenuItem",
               "_user_action_url":
\t\t\t   "$(ExtURLBase)/1/service/$(ServiceID)/connect",
               "_method":"POST",
               "_id_to_jump_before":"exit://"<tail>
            },{
               "_dialog_id":"2",
               "_label":"No, try again in 5 minutes",
               "_action":"MenuItem",
               "_user_action_url":
\t\t\t   "$(ExtURLBase)/1/service/$(ServiceID)/snooze",
               "_method":"POST",
               "_id_to_jump_before":"exit://"
            },{
               "_dialog_id":"3",
               "_label":"Cancel, my problem has been solved",
               "_action":"MenuItem",
               "_user_action_url":
\t\t\t   "$(ExtURLBase)/1/service/$(ServiceID)/snooze",
               "_method":"POST",
               "_id_to_jump_before":"exit://"
            }
         ]
      }
   ]
}"""

MENU_WITH_CODE = _MENU.replace("<tail>", _CONFIRMATION)
MENU_WITHOUT_CODE = _MENU.replace("<tail>", "")
MENU_WITH_TRAILING_COMMA = _MENU.replace("<tail>", ",")

START_CHAT = """\
{
   "_dialog_id": "1",
   "_action":"StartChat",
   "_label":"Start Chat",
   "_start_chat_url":
   "$(ExtURLBase)/1/service/$(ServiceID)/ixn/chat",
   "_comet_url":"$(CometURL)",
   "_user_header":"$(GMSUser)",
   "_id_to_jump_before":"exit://",
   "_chat_parameters":{
      "subject":"None"
   },
   "_id":"$(ServiceID)"
}"""

CONNECT_INBOUND = """\
{
   "_dialog_id":"0",
   "_label":"Connecting ...",
   "_action":"DialNumber",
   "_tel_url":"$(TelURL)",
   "_access_code":"$(AccessCode)",
   "_id":"$(ServiceID)"
}"""

CONNECT_OUTBOUND = """\
{
   "_dialog_id":"0",
   "_action":"ConfirmationDialog",
   "_text":"You will receive the call shortly",
   "_ok_title":"Ok",
   "_id":"$(ServiceID)"
}"""

WAIT_FOR_AGENT = """\
{
   "_dialog_id":"0",
   "_action":"ConfirmationDialog",
   "_text":"We will notify you when agent is available",
   "_ok_title":"Ok",
   "_id":"$(ServiceID)"
}"""


OFFICE_HOURS_ITEM = """\
,{
               "_dialog_id":"4",
               "_label":"When are you there?",
               "_action":"MenuItem",
               "_user_action_url":
\t\t\t   "$(ExtURLBase)/1/service/$(ServiceID)/office-hours",
               "_method":"POST",
               "_id_to_jump_before":"exit://"
            }"""

OFFICE_HOURS = """\
{
   "_dialog_id":"0",
   "_action":"ConfirmationDialog",
   "_text":"We are there every day from 08:00 to 18:00 UTC",
   "_ok_title":"Ok",
   "_id":"$(ServiceID)"
}"""


def fill(dialog: str, values: dict[str, str]) -> bytes:
    """A dialog with its slots filled, each value escaped as inside a JSON string."""
    return _SLOT.sub(lambda slot: json.dumps(values[slot[1]])[1:-1], dialog).encode()
