# Everything installed, in an image. (Not built here: the machine this was written on has no Docker.)
#
#   docker build --tag resnets .
#   docker run --rm --publish 127.0.0.1:8888:8888 resnets     then open the address that it prints
#
# An outer wall around grading, for strangers' notebooks: no network, and the results' folder is the
# only one on this machine that can be written.
#
#   mkdir -p grades
#   docker run --rm --network none --read-only --tmpfs /tmp --cap-drop ALL --env HOME=/tmp \
#     --user "$(id -u):$(id -g)" --volume "$PWD/submitted:/submitted:ro" \
#     --volume "$PWD/grades:/resnets/build/grades" resnets make grade SUBMISSIONS=/submitted
FROM python:3.12-slim
RUN apt-get update && apt-get install --yes --no-install-recommends make \
 && rm -rf /var/lib/apt/lists/* && useradd --create-home learner \
 && install --directory --owner learner /resnets
USER learner
WORKDIR /resnets
COPY --chown=learner . .
RUN PIP_NO_CACHE_DIR=1 make env
EXPOSE 8888
CMD ["make", "lab", "LAB_FLAGS=--ip=0.0.0.0 --no-browser"]
