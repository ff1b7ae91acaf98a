"""The words of the page's scripts, by their English."""

from common.messages import message

SCRIPT_WORDS = (
    message("No answer from the server"),
    message("What is shown below is {age} old."),
    message("{speed} times as fast"),
    message("Charts wait: {problem}"),
    message("No answer: {problem}"),
    message("Flow, {unit}"),
    message("Pressure, {unit}"),
)
